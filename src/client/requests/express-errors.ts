import { inspect } from 'node:util';
import { type Checks, checkOptions, isFunction } from '../option-check.js';
import { answerToError } from './answer.js';
import { type NodeResponse, writeAnswer } from './middleware.js';

export interface ErrorHandlerOptions {
  /** Receives each unexpected error, which the answer does not show. Default: prints it on standard error. */
  log?: ((error: unknown) => void) | undefined;
}

const checks: Checks<ErrorHandlerOptions> = { log: isFunction };

/** An error handler of Express and Connect, which recognise it by its four parameters. */
export type ErrorHandler = (
  error: unknown,
  request: object,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void;

export function createErrorHandler(options: ErrorHandlerOptions): ErrorHandler {
  checkOptions('errorHandler', options, checks);
  const { log = print } = options;
  return (error, _request, response, next) => {
    const answer = answerToError(error);
    if (answer.status === 500) log(error);
    // The framework ends a response that has begun.
    if (response.headersSent) next(error);
    else writeAnswer(response, answer);
  };
}

function print(error: unknown): void {
  process.stderr.write(`${inspect(error)}\n`);
}
