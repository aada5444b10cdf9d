import * as E from 'fp-ts/Either';
import type { DecodeError } from '../../events/index';
import type { CustomRuleFault } from '../../projections/policies/customRuleFault';
import type { DocumentProblem } from '../../projections/parseYaml';
import type { AblateError } from '../ablate/ablate';
import type { ProveError } from '../ledger/prove';
import type { CopyError } from '../ledger/copy';
import type { ListenError } from '../adapters/http/server';

/** What goes wrong in the command line itself. */
export type CliFault =
  | { readonly tag: 'Usage'; readonly message: string }
  | { readonly tag: 'BadDocument'; readonly source: string; readonly problems: readonly DocumentProblem[] }
  | { readonly tag: 'UnknownName'; readonly message: string }
  | { readonly tag: 'IdNotFound'; readonly what: string; readonly id: string; readonly known: readonly string[] }
  | { readonly tag: 'IdAmbiguous'; readonly what: string; readonly id: string; readonly found: readonly string[] }
  | { readonly tag: 'InputUnreadable'; readonly path: string; readonly message: string }
  | { readonly tag: 'BadLines'; readonly path: string; readonly lines: readonly string[]; readonly total: number }
  | { readonly tag: 'WouldOverwrite'; readonly path: string; readonly message: string }
  | { readonly tag: 'OutputUnwritable'; readonly path: string; readonly message: string; readonly full: boolean }
  | { readonly tag: 'NoLedger'; readonly path: string }
  /** A server's mirror ends with an event that the server does not have there. */
  | {
      readonly tag: 'MirrorDiffers';
      readonly mirror: string;
      readonly ledger: string;
      readonly id: string;
      readonly position: string;
    }
  | { readonly tag: 'RuleModuleUnusable'; readonly module: string; readonly message: string }
  /** A module's text is not the one that a policy was made with. */
  | {
      readonly tag: 'RuleSourceDiffers';
      readonly module: string;
      readonly rule: string;
      readonly expected: string;
      readonly got: string;
    }
  | ListenError
  | { readonly tag: 'RuntimeMissing'; readonly message: string }
  | { readonly tag: 'CudaUnavailable'; readonly reasons: readonly string[]; readonly fix: string | null }
  | { readonly tag: 'KeyUnreadable'; readonly path: string; readonly expected: string; readonly got: string }
  | { readonly tag: 'SignatureDiffers'; readonly where: string; readonly key: string; readonly got: string }
  /** A user's verifier program gives no usable answer. */
  | { readonly tag: 'VerifierFailed'; readonly command: string; readonly message: string; readonly stderr: string }
  /** … or two answers to one question. */
  | { readonly tag: 'VerifierDiffers'; readonly command: string; readonly first: string; readonly second: string }
  | { readonly tag: 'Stopped'; readonly what: string };

/** Every expected failure that a command can meet: explain.ts has a message for each. */
export type Fault = AblateError | DecodeError | ProveError | CopyError | CustomRuleFault | CliFault;

/** Carries a fault from where it is met to `main`, which explains it. Only the command line throws it. */
export class Stop extends Error {
  constructor(readonly fault: Fault) {
    super(fault.tag);
    this.name = 'Stop';
  }
}

export const stop = (fault: Fault): never => {
  throw new Stop(fault);
};

export const usage = (message: string): never => stop({ tag: 'Usage', message });

/** The value of a use case that went well; its fault otherwise ends the command. */
export const must = <F extends Fault, T>(result: E.Either<F, T>): T => {
  if (E.isLeft(result)) throw new Stop(result.left);
  return result.right;
};
