import type { GradientRule } from '../../src/autodiff/rule';
import { rules, verdicts } from '../../src/autodiff/rules';
import { mul, scale } from '../../src/onnx/ops';
import { opTable } from '../../src/onnx/opTable';
import { checkRule, describeExample } from '../support/directionalCheck';

const tolerance = 1e-6;

const worstOf = (rule: GradientRule, seed: number): number =>
  Math.max(...rule.examples.flatMap((example) => checkRule(rule, example, seed).map(({ error }) => error)));

describe('a verdict on every operator', () => {
  it('covers the op table, no more and no less', () => {
    expect(Object.keys(verdicts).sort()).toEqual(Object.keys(opTable).sort());
  });

  it('has every rule in use, once', () => {
    const used = Object.entries(verdicts).flatMap(([op, verdict]) => (typeof verdict === 'object' ? [op] : []));
    expect(rules.map(({ op }) => op).sort()).toEqual(used.sort());
  });
});

for (const rule of rules)
  describe(`the gradient of ${rule.op}`, () => {
    it('is written for the opset form that the builder emits', () => {
      expect(rule.since).toBe(opTable[rule.op].since);
    });

    it('has an example', () => expect(rule.examples.length).toBeGreaterThan(0));

    for (const example of rule.examples)
      it.each([1, 2, 3, 4, 5])(`agrees with differences at ${describeExample(example)}, seed %i`, (seed) => {
        for (const { error } of checkRule(rule, example, seed)) expect(error).toBeLessThan(tolerance);
      });
  });

describe('the check itself', () => {
  const multiply = rules.find(({ op }) => op === 'Mul');
  if (multiply === undefined) throw new Error('Mul has no rule');

  it('sees a gradient that is off by one part in 100 000', () => {
    const off: GradientRule = {
      ...multiply,
      vjp: (b, node, grads) =>
        multiply
          .vjp(b, node, grads)
          .map((thunk) => (typeof thunk === 'function' ? () => scale(b, thunk(), 1.00001) : thunk)),
    };
    expect(worstOf(multiply, 1)).toBeLessThan(tolerance);
    expect(worstOf(off, 1)).toBeGreaterThan(5e-6);
  });

  it('sees gradients handed to the wrong input', () => {
    const swapped: GradientRule = {
      ...multiply,
      examples: multiply.examples.slice(0, 1),
      vjp: (b, node, [dy]) => node.inputs.map((input) => () => mul(b, dy ?? input, input)),
    };
    expect(worstOf(swapped, 1)).toBeGreaterThan(0.01);
  });

  it('sees a missing gradient', () => {
    const missing: GradientRule = { ...multiply, vjp: (_, node) => node.inputs.map(() => null) };
    expect(() => worstOf(missing, 1)).toThrow('the rule of Mul gives no gradient for input 0');
  });
});
