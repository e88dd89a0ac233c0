import { type StepId, steps } from './steps.js';

/** The steps of the wizard; those that can be opened are buttons. */
export function StepNavigation({
  current,
  reached,
  onStep,
}: {
  current: StepId;
  reached: StepId;
  onStep: (step: StepId) => void;
}) {
  const last = steps.findIndex(({ id }) => id === reached);
  return (
    <nav aria-label="Steps">
      <ol className="wizard-steps">
        {steps.map(({ id, label }, index) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => onStep(id)}
              disabled={index > last}
              aria-current={id === current ? 'step' : undefined}
            >
              <span aria-hidden>{index + 1}</span> {label}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
