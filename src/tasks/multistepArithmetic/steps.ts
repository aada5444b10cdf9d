import { parseExpression, type ParsedExpression } from '../expression';

/** A term of an `=` chain: its text and its characters [start, end) in the step's text. */
export interface Term {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly parsed: ParsedExpression;
}

/** What a step of an attempt says. The three kinds are recognised by their phrases. */
export type Step =
  /** `This equation can be written as "(A - B)", where A = … and B = ….` */
  | {
      readonly kind: 'rewrite';
      readonly expression: ParsedExpression;
      readonly definitions: readonly {
        readonly name: string;
        readonly text: string;
        readonly parsed: ParsedExpression;
      }[];
    }
  /** `Let's calculate A = … = ….` */
  | { readonly kind: 'calculate'; readonly name: string; readonly terms: readonly Term[] }
  /** `Then, the final equation is (A - B) = … = ….` */
  | { readonly kind: 'equation'; readonly terms: readonly Term[] };

const rewritePhrase = /^This equation can be written as "([^"]*)", where (.+)\.$/;
const calculatePhrase = /^(Let's calculate )([A-Z]+) = (.+)\.$/;
const equationPhrase = /^(Then, the final equation is )(.+)\.$/;
const definitionPhrase = /^([A-Z]+) = (.*)$/;

const termsOf = (text: string, from: number): readonly Term[] => {
  const terms: Term[] = [];
  let at = from;
  for (const piece of text.slice(from, -1).split('=')) {
    const trimmed = piece.trim();
    const start = at + piece.indexOf(trimmed);
    terms.push({ text: trimmed, start, end: start + trimmed.length, parsed: parseExpression(trimmed) });
    at += piece.length + 1;
  }
  return terms;
};

/** Reads a step's text; undefined where it is none of the three kinds. */
export const readStep = (text: string): Step | undefined => {
  const rewrite = rewritePhrase.exec(text);
  if (rewrite?.[1] !== undefined && rewrite[2] !== undefined) {
    const definitions = rewrite[2]
      .split(/(?:,| and),? (?=[A-Z]+ =)/)
      .map((definition) => definitionPhrase.exec(definition));
    const read = definitions.flatMap((found) => {
      const [, name, body] = found ?? [];
      return name === undefined || body === undefined ? [] : [{ name, text: body, parsed: parseExpression(body) }];
    });
    if (read.length < definitions.length) return undefined;
    return { kind: 'rewrite', expression: parseExpression(rewrite[1]), definitions: read };
  }
  const calculate = calculatePhrase.exec(text);
  if (calculate?.[1] !== undefined && calculate[2] !== undefined) {
    return { kind: 'calculate', name: calculate[2], terms: termsOf(text, `${calculate[1]}${calculate[2]} = `.length) };
  }
  const equation = equationPhrase.exec(text);
  return equation?.[1] === undefined ? undefined : { kind: 'equation', terms: termsOf(text, equation[1].length) };
};

/** The expression of a question such as `((2 + 3) * 4) =`. */
export const readQuestion = (question: string): ParsedExpression => parseExpression(question.replace(/\s*=\s*$/, ''));
