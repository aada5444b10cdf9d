import * as E from 'fp-ts/Either';
import type * as t from 'io-ts';
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';

/** One thing wrong with a policy or a config. Line and column count from 1. */
export interface DocumentProblem {
  readonly line: number;
  readonly column: number;
  /** Keys joined by dots, `balance.ratio`; empty for the whole document. */
  readonly path: string;
  readonly message: string;
}

/** `presets/mine.yaml:3:9 balance.ratio: expected a number, got "much"`. */
export const explainProblem = (problem: DocumentProblem, source: string): string =>
  `${source}:${problem.line}:${problem.column} ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;

/** Offset of the value (or, for an unknown key, of the key) at a path; of the nearest parent when it is missing. */
const offsetOf = (document: Document, path: readonly string[], atKey: boolean): number => {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const start = (node: unknown, otherwise: number): number =>
    isNode(node) ? (node.range?.[0] ?? otherwise) : otherwise;
  let node: unknown = resolved(document.contents);
  let offset = start(node, 0);
  for (const [i, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((p) => (isScalar(p.key) ? String(p.key.value) : String(p.key)) === key);
      if (pair === undefined) return offset;
      const keyOffset = start(pair.key, offset);
      if (atKey && i === path.length - 1) return keyOffset;
      offset = start(pair.value, keyOffset);
      node = resolved(pair.value);
    } else if (isSeq(node)) {
      const item = node.items[Number(key)];
      offset = start(item, offset);
      node = resolved(item);
    } else return offset;
  }
  return offset;
};

const problemOf = (document: Document, lines: LineCounter, error: t.ValidationError): DocumentProblem => {
  const path = error.context.slice(1).map((entry) => entry.key);
  const unknownKey = error.message?.startsWith('unknown key') === true;
  const { line, col } = lines.linePos(offsetOf(document, path, unknownKey));
  const missing = error.value === undefined && !unknownKey;
  const last = error.context[error.context.length - 1];
  const message = missing ? `missing; expected ${last?.type.name ?? 'a value'}` : (error.message ?? 'not understood');
  return { line: Math.max(1, line), column: Math.max(1, col), path: path.join('.'), message };
};

/** Reads YAML or JSON text with a codec: the filled-in value, or everything that is wrong with it, in line order. */
export const parseYaml = <A>(text: string, codec: t.Type<A, unknown>): E.Either<readonly DocumentProblem[], A> => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return E.left(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { line, column: col, path: '', message: `not YAML: ${error.message}` };
      }),
    );
  }
  const given = E.tryCatch(
    (): unknown => document.toJS(),
    (error): readonly DocumentProblem[] => [{ line: 1, column: 1, path: '', message: `not YAML: ${String(error)}` }],
  );
  if (E.isLeft(given)) return given;
  const decoded = codec.decode(given.right ?? {});
  if (E.isRight(decoded)) return E.right(decoded.right);
  const problems = decoded.left.map((error) => problemOf(document, lines, error));
  return E.left(problems.sort((a, b) => a.line - b.line || a.column - b.column));
};

/** A problem at a path of a text that is YAML: for what turns out wrong only beside other documents. */
export const problemAt = (text: string, path: readonly string[], message: string): DocumentProblem => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const { line, col } = lines.linePos(offsetOf(document, path, false));
  return { line: Math.max(1, line), column: Math.max(1, col), path: path.join('.'), message };
};
