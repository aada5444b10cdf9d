import { buildProgram, type Asked } from '../../src/cli/program';

export interface Answer {
  readonly out: string;
  readonly err: string;
  readonly asked: Asked | undefined;
  readonly failure: unknown;
}

/** What the command line makes of some words, without running anything. */
export const ask = async (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> => {
  let out = '';
  let err = '';
  let asked: Asked | undefined;
  let failure: unknown;
  const writers = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const program = buildProgram(argv, '0.0.0', writers, (found) => void (asked = found), env);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    failure = error;
  }
  return { out, err, asked, failure };
};

/** The words of the first `tripost` command in a line, up to a pipe, a redirection or a comment. */
export const wordsOf = (line: string): readonly string[] => {
  const own = line.split(/&&|[|;]/).find((part) => /^(npx )?tripost( |$)/.test(part.trim())) ?? '';
  const words = (own.split(/[<>]| #/)[0] ?? '').trim().replace(/^npx /, '');
  return words.split(/\s+/).slice(1);
};
