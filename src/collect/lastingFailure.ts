import type { FailureKind } from '../ports/endpoint';

const lasting: ReadonlySet<string> = new Set<FailureKind>([
  'content-filter',
  'too-long',
  'bad-request',
  'body-too-large',
  'key-in-reply',
]);

/** Failures that concern one request alone and would come again: what asked goes on without the text. */
export const isLasting = (kind: string): kind is FailureKind => lasting.has(kind);
