import { draws } from '../../projections/random';

/** Rows in the grammar of the two scripted tasks, enough like the real ones to learn and measure tokenizers on. */
const closing = (steps: number): string =>
  `\nFeedback: Step (1) to (${steps}) are correct, and the final response is also correct.`;

const corrected = (question: string, steps: readonly string[], wrongAt: number, wrong: string, why: string): string => {
  const numbered = (line: string, i: number): string => (i + 1 < steps.length ? `\n(${i + 1}) ${line}` : `\n${line}`);
  const attempt = steps.map((line, i) => numbered(i === wrongAt ? wrong : line, i)).join('');
  const segment = wrong.slice(wrong.indexOf(' = ') < 0 ? 0 : wrong.indexOf('('), -1);
  const praise =
    wrongAt === 0 ? '' : wrongAt === 1 ? 'Step (1) is correct. ' : `Step (1) to (${wrongAt}) are correct. `;
  const feedback = `\nFeedback: ${praise}In step (${wrongAt + 1}) the part " ${segment} " is incorrect. This is because ${why}.`;
  const head = `Q: ${question}\nAnswer: Let's think step by step.`;
  const update = `\nUpdated Answer: Let's think step by step.${steps.map(numbered).join('')}`;
  return `${head}${attempt}${feedback}${update}${closing(steps.length - 1)}`;
};

/** `((a + b) - (c - d)) =`: four leaves, one wrong step corrected. */
export const arithmeticRow = (index: number): string => {
  const draw = draws(['arithmetic row', index]);
  const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((i) => draw.integer(i, 19) - 9);
  const [op1 = '', op2 = '', op3 = ''] = [4, 5, 6].map((i) => '+-*'.charAt(draw.integer(i, 3)));
  const value = (x: number, op: string, y: number): number => (op === '+' ? x + y : op === '-' ? x - y : x * y);
  const [left, right] = [value(a, op1, b), value(c, op2, d)];
  const answer = value(left, op3, right);
  const [A, B] = [`(${a} ${op1} ${b})`, `(${c} ${op2} ${d})`];
  const steps = [
    `This equation can be written as "(A ${op3} B)", where A = ${A} and B = ${B}.`,
    `Let's calculate A = ${A} = ${left}.`,
    `Let's calculate B = ${B} = ${right}.`,
    `Then, the final equation is (A ${op3} B) = (${left} ${op3} ${right}) = ${answer}.`,
    `(Final response) So the answer is ${answer}.`,
  ];
  const off = left + 1 + draw.integer(7, 3);
  const why = `${a} ${op1} ${b} equals ${left}, not ${off}`;
  return corrected(`(${A} ${op3} ${B}) =`, steps, 1, `Let's calculate A = ${A} = ${off}.`, why);
};

const wordsOf = (index: number, count: number): readonly string[] => {
  const draw = draws(['words', index, count]);
  const letter = (i: number): string => String.fromCharCode(97 + draw.integer(i, 26));
  const length = (w: number): number => 3 + draw.integer(1000 + w, 5);
  const words = Array.from({ length: count }, (_, w) =>
    Array.from({ length: length(w) }, (__, i) => letter(w * 10 + i)).join(''),
  );
  return words.map((word, w) => String.fromCharCode(97 + ((word.charCodeAt(0) - 97 + w * 7) % 26)) + word.slice(1));
};

const rank = (word: string): number => word.charCodeAt(0) - 96;

const sortingSteps = (words: readonly string[], ranks: (word: string) => number): string[] => {
  const sorted = [...words].sort();
  return [
    `The first letter: ${words.map((word) => `"${word}"="${word[0]}" (${ranks(word)})`).join(', ')}.`,
    `We now have: ${sorted.map((word) => `(${rank(word)}) "${word}"`).join(' < ')}.`,
    `Hence, we have ${sorted.map((word) => `"${word}"`).join(' < ')}.`,
    `(Final response) So the answer is: ${sorted.join(' ')}.`,
  ];
};

const sortingQuestion = (words: readonly string[]): string =>
  `Sort the following words alphabetically:\nList: ${words.join(' ')}`;

/** A gold row: question and answer, no feedback. */
export const goldSortingRow = (words: readonly string[]): string => {
  const steps = sortingSteps(words, rank);
  const lines = steps.map((line, i) => (i + 1 < steps.length ? `\n(${i + 1}) ${line}` : `\n${line}`));
  return `Q: ${sortingQuestion(words)}\nAnswer: Let's think step by step.${lines.join('')}`;
};

/** A row of `count` random words, the rank of one letter wrong and corrected. */
export const sortingRow = (index: number, count = 3): string => {
  const words = wordsOf(index, count);
  const [first = ''] = words;
  const wrong = sortingSteps(words, (word) => rank(word) + (word === first ? 1 : 0))[0] ?? '';
  const why = `the rank of "${first[0]}" should be ${rank(first)}`;
  return corrected(sortingQuestion(words), sortingSteps(words, rank), 0, wrong, why);
};

export const rowsOf = (row: (index: number) => string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => row(index));
