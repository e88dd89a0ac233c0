import { useEffect, useState } from 'react';
import { useNavigate } from 'react-router';
import { places } from './places.js';

/** Keys that work on every screen while nothing is being typed. */
export function useShortcuts({ openPalette }: { openPalette: () => void }) {
  const navigate = useNavigate();
  const [isHelpOpen, setHelpOpen] = useState(false);
  useEffect(() => {
    let startedAt = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        return openPalette();
      }
      const { target } = event;
      // The list is filtered already; Enter leads out of the field.
      if (event.key === 'Enter' && target instanceof HTMLElement && 'search' in target.dataset) target.blur();
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(target)) return;
      // A dialog has the keyboard to itself.
      if (document.querySelector('[role="dialog"]')) return;
      const follows = performance.now() - startedAt < 1_500;
      startedAt = event.key === 'g' ? performance.now() : 0;
      const place = follows && places.find(({ key }) => key === event.key);
      if (place) navigate(place.path);
      else if (event.key === '?') setHelpOpen(true);
      else if (event.key === '/') {
        event.preventDefault();
        const search = document.querySelector<HTMLInputElement>('input[data-search]');
        if (search) search.focus();
        else openPalette();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [navigate, openPalette]);
  return { isHelpOpen, closeHelp: () => setHelpOpen(false), openHelp: () => setHelpOpen(true) };
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}
