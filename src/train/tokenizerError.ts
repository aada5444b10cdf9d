import type { Either } from 'fp-ts/Either';
import { left } from 'fp-ts/Either';
import { quoted } from './jsonShape';

export type TokenizerError =
  | { readonly tag: 'TokenizerNotJson'; readonly expected: string; readonly got: string }
  /** Legal, but with it encoding would not be exact, or a part is unknown here. */
  | { readonly tag: 'TokenizerUnsupported'; readonly field: string; readonly expected: string; readonly got: string }
  | { readonly tag: 'TokenizerDamaged'; readonly field: string; readonly expected: string; readonly got: string };

export const unsupported = (field: string, expected: string, got: unknown): Either<TokenizerError, never> =>
  left({ tag: 'TokenizerUnsupported', field, expected, got: quoted(got) });
export const damaged = (field: string, expected: string, got: unknown): Either<TokenizerError, never> =>
  left({ tag: 'TokenizerDamaged', field, expected, got: quoted(got) });
