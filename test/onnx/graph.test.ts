import * as fc from 'fast-check';
import { GraphBuilder, GraphError, staticShape, type Attributes, type Value } from '../../src/onnx/graph';
import { add, gemm, matMul, reduceSum, reshape, transpose } from '../../src/onnx/ops';
import { broadcastShapes } from '../../src/onnx/inference';
import { type OpName } from '../../src/onnx/opTable';
import { broadcastDims } from '../support/plainTensor';

const shapesOf = (...shapes: readonly (readonly (number | string)[])[]): { b: GraphBuilder; values: Value[] } => {
  const b = new GraphBuilder('test');
  return { b, values: shapes.map((shape, i) => b.input(`x${i}`, 'float32', shape)) };
};

describe('the builder refuses a node that does not fit, with its name and what it got', () => {
  const refusals: readonly (readonly [
    op: OpName,
    shapes: readonly (readonly number[])[],
    attributes: Attributes,
    message: string,
  ])[] = [
    ['Add', [[2, 3], [4]], {}, 'shapes [2, 3] and [4] do not broadcast; got float32[2, 3], float32[4]'],
    ['Add', [[2]], {}, 'expected two inputs; got float32[2]'],
    ['Neg', [[2], [2]], {}, 'expected one input; got float32[2], float32[2]'],
    [
      'MatMul',
      [
        [2, 3],
        [4, 5],
      ],
      {},
      'inner sizes differ; got float32[2, 3], float32[4, 5]',
    ],
    ['MatMul', [[3], [3, 5]], {}, 'expected matrices; got float32[3], float32[3, 5]'],
    [
      'Gemm',
      [
        [2, 3],
        [3, 4],
      ],
      { transB: 1 },
      'inner sizes differ: 3 and 4; got float32[2, 3], float32[3, 4]',
    ],
    [
      'Gemm',
      [
        [2, 3, 1],
        [3, 4],
      ],
      {},
      'expected two matrices; got float32[2, 3, 1], float32[3, 4]',
    ],
    ['Transpose', [[2, 3]], { perm: [0, 0] }, 'expected perm, a permutation of the axes; got float32[2, 3]'],
    ['Softmax', [[2, 3]], { axis: 2 }, 'axis 2 is outside rank 2; got float32[2, 3]'],
    ['Softmax', [[2, 3]], {}, 'expected the attribute axis; got float32[2, 3]'],
    [
      'Concat',
      [
        [2, 3],
        [1, 4],
      ],
      { axis: 0 },
      'sizes differ outside the axis; got float32[2, 3], float32[1, 4]',
    ],
    ['Where', [[2], [2], [2]], {}, 'expected a bool condition; got float32[2], float32[2], float32[2]'],
    ['Gather', [[2, 3], [2]], { axis: 0 }, 'expected int64 indices; got float32[2, 3], float32[2]'],
    ['Cast', [[2]], { to: 10 }, 'unknown target type; got float32[2]'],
    ['Or', [[2], [2]], {}, 'expected bool; got float32[2], float32[2]'],
    ['ReduceSum', [[2], [1]], { keepdims: 0 }, 'expected a constant int64 input; got float32[2], float32[1]'],
    ['Loop', [[1], [1]], {}, 'expected a body graph; got float32[1], float32[1]'],
    ['ReduceSumSquare', [[2], [1]], { keepdims: 0 }, 'expected a constant int64 input; got float32[2], float32[1]'],
    [
      'SimplifiedLayerNormalization',
      [[2, 3], [2]],
      { axis: -1, stash_type: 1 },
      'expected a scale of the last axis; got float32[2, 3], float32[2]',
    ],
    [
      'SimplifiedLayerNormalization',
      [[2, 3], [3]],
      { axis: 0, stash_type: 1 },
      'only axis -1 and stash_type 1 are emitted; got float32[2, 3], float32[3]',
    ],
  ];
  for (const [op, shapes, attributes, message] of refusals)
    it(`${op}: ${message}`, () => {
      const { b, values } = shapesOf(...shapes);
      const emit = (): unknown => b.scope('block0', () => b.emit(op, values, attributes));
      expect(emit).toThrow(GraphError);
      expect(emit).toThrow(`${op}: ${message} (node "block0/${op}`);
    });

  it('Add of two types', () => {
    const b = new GraphBuilder('test');
    const [x, y] = [b.input('x', 'float32', [2]), b.input('y', 'float64', [2])];
    expect(() => add(b, x, y)).toThrow('Add: expected inputs of one type; got float32[2], float64[2] (node "Add")');
  });

  it('Reshape to another size', () => {
    const { b, values } = shapesOf([2, 3]);
    expect(() => values.map((x) => reshape(b, x, [4]))).toThrow(
      'Reshape: cannot become [4]; got float32[2, 3], int64[1] (node "Reshape")',
    );
  });

  it('Reshape of a size that is known only at run time', () => {
    const { b, values } = shapesOf(['rows', 3]);
    expect(() => values.map((x) => reshape(b, x, [6]))).toThrow(
      'Reshape: cannot become [6]; got float32[rows, 3], int64[1]',
    );
  });

  it('a sum over no axes, which ONNX reads as all axes', () => {
    const { b, values } = shapesOf([2, 3]);
    expect(() => values.map((x) => reduceSum(b, x, [], true))).toThrow(
      'ReduceSum: expected axes: none would mean all of them',
    );
  });

  it('one-hot, and the largest, along another axis than the last', () => {
    const { b, values } = shapesOf([2, 3]);
    expect(() => b.emit('TopK', [...values, b.ints([1])], { axis: 0 })).toThrow('TopK: only axis -1 is emitted');
    expect(() => b.emit('OneHot', [b.ints([1]), b.ints([3]), b.ints([0, 1])], { axis: 0 })).toThrow(
      'OneHot: only axis -1 is emitted',
    );
  });

  it('a scatter that would add, and one without a row for every index', () => {
    const b = new GraphBuilder('test');
    const [x, updates] = [b.input('x', 'float32', [4, 3]), b.input('updates', 'float32', [2, 3])];
    const rows = b.constant('int64', [2, 1], [0, 3]);
    expect(b.one('ScatterND', [x, rows, updates]).shape).toEqual([4, 3]);
    expect(() => b.one('ScatterND', [x, rows, updates], { reduction: 'add' })).toThrow(
      'ScatterND: a scatter with reduction is not emitted',
    );
    expect(() => b.one('ScatterND', [x, b.ints([0, 3]), updates])).toThrow('ScatterND: expected int64 indices [n, 1]');
    expect(() => b.one('ScatterND', [x, rows, x])).toThrow('ScatterND: expected a row of the input per index');
    expect(() => b.one('ScatterElements', [x, rows, rows], { axis: 0, reduction: 'mul' })).toThrow(
      'ScatterElements: a scatter with reduction is not emitted',
    );
  });

  describe('RotaryEmbedding:', () => {
    const attributes = { num_heads: 2, interleaved: 0 };
    const emit = (
      x: readonly number[],
      positions: readonly number[],
      tables: readonly [readonly number[], readonly number[]],
      changed: Attributes = {},
    ): unknown => {
      const b = new GraphBuilder('test');
      const inputs = [
        b.input('x', 'float32', x),
        b.input('positions', 'int64', positions),
        b.input('cos', 'float32', tables[0]),
        b.input('sin', 'float32', tables[1]),
      ];
      return b.one('RotaryEmbedding', inputs, { ...attributes, ...changed }).shape;
    };
    const tables = [
      [9, 3],
      [9, 3],
    ] as const;

    it('takes the heads of a token together, or the tokens of a head', () => {
      expect(emit([1, 5, 12], [1, 5], tables)).toEqual([1, 5, 12]);
      expect(emit([1, 2, 5, 6], [1, 5], tables)).toEqual([1, 2, 5, 6]);
    });

    it.each([
      [
        'widths that tables do not fill',
        [1, 5, 10],
        [1, 5],
        tables,
        {},
        'expected x [B, T, heads · d] or [B, heads, T, d]',
      ],
      ['another number of heads', [1, 3, 5, 6], [1, 5], tables, {}, 'expected x [B, T, heads · d] or [B, heads, T, d]'],
      ['no batch', [5, 12], [5, 12], tables, {}, 'expected x [B, T, heads · d] or [B, heads, T, d]'],
      ['too few positions', [1, 5, 12], [1, 4], tables, {}, 'expected int64 positions [B, T], a position per token'],
      [
        'two tables',
        [1, 5, 12],
        [1, 5],
        [
          [9, 3],
          [8, 3],
        ],
        {},
        'expected cos and sin [positions, d / 2]',
      ],
      ['neighbours', [1, 5, 12], [1, 5], tables, { interleaved: 1 }, 'only halves are turned'],
    ] as const)('%s', (_, x, positions, given, changed, message) => {
      expect(() => emit(x, positions, given, changed)).toThrow(`RotaryEmbedding: ${message}`);
    });
  });

  it('a loop body that takes other values than the loop hands it', () => {
    const b = new GraphBuilder('test');
    const body = new GraphBuilder('body', b);
    body.input('turn', 'int64', []);
    body.output('go', body.input('condition', 'bool', []));
    const emit = (): unknown =>
      b.emit('Loop', [b.scalar('int64', 1), b.scalar('bool', 1), b.ints([1])], { body: { graph: body.build() } });
    expect(emit).toThrow('Loop: the body takes 2 and gives 1 values for 1 carried ones');
  });

  it('a constant whose values do not fill its shape', () => {
    expect(() => new GraphBuilder('test').constant('float32', [2, 2], [1, 2, 3])).toThrow(
      'constant of shape [2, 2] given 3 values (node "test")',
    );
  });
});

describe('the builder', () => {
  it('gives each node a name of its own, under its scope', () => {
    const { b, values } = shapesOf([2]);
    const [x] = values;
    if (x === undefined) throw new Error('no input');
    b.scope('layer0', () => [add(b, x, x), b.scope('inner', () => add(b, x, x)), add(b, x, x)]);
    expect(b.nodes.map(({ name }) => name)).toEqual(['layer0/Add', 'layer0/inner/Add', 'layer0/Add_1']);
  });

  it('leaves a scope when its body throws', () => {
    const { b, values } = shapesOf([2]);
    expect(() => b.scope('lost', () => b.emit('Add', values))).toThrow(GraphError);
    expect(b.one('Neg', values).name).toBe('Neg:out');
  });

  it('marks the nodes of a region, in it the nodes of another, and gives back what the body gave', () => {
    const { b, values } = shapesOf([2]);
    const [x] = values;
    if (x === undefined) throw new Error('no input');
    const vjp = () => [null];
    const before = add(b, x, x);
    const [y] = b.region(
      [before],
      () => {
        const [inner = x] = b.region(
          [before],
          () => [b.one('Neg', [before])],
          () => ({ vjp }),
        );
        return [add(b, inner, inner)];
      },
      (outputs) => {
        expect(outputs.map(({ name }) => name)).toEqual(['Add_1:out']);
        return { vjp };
      },
    );
    add(b, y ?? x, x);
    expect(y?.name).toBe('Add_1:out');
    const marked = b.regions.map(({ from, to, inputs, outputs }) => [from, to, inputs, outputs]);
    expect(marked).toEqual([
      [1, 2, [before], [b.nodes[1]?.outputs[0]]],
      [1, 3, [before], [y]],
    ]);
  });

  it('has no trace of regions in the graph that it builds', () => {
    const build = (marked: boolean) => {
      const { b, values } = shapesOf([2]);
      const body = () => [b.one('Neg', values)];
      const [y] = marked ? b.region(values, body, () => ({ vjp: () => [null] })) : body();
      if (y !== undefined) b.output('y', y);
      return b.build();
    };
    expect(build(true)).toEqual(build(false));
  });

  it('keeps equal constants once, and tells types, shapes and signs of zero apart', () => {
    const b = new GraphBuilder('test');
    expect(b.scalar('float32', 1)).toBe(b.scalar('float32', 1));
    const distinct = [b.scalar('float32', 1), b.scalar('float64', 1), b.constant('float32', [1], [1])];
    const zeros = [b.scalar('float32', 0), b.scalar('float32', -0)];
    expect(new Set([...distinct, ...zeros].map(({ name }) => name)).size).toBe(5);
    expect(Object.is(zeros[1]?.constant?.data[0], -0)).toBe(true);
  });

  it('knows shapes with names', () => {
    const { b, values } = shapesOf(['rows', 3], [3]);
    expect(b.one('Add', values).shape).toEqual(['rows', 3]);
    expect(() => staticShape(b.one('Add', values))).toThrow(
      'expected a static shape, got [rows, 3] (node "Add_1:out")',
    );
  });

  it('knows the shapes of products', () => {
    const { b, values } = shapesOf([2, 1, 4, 5], [3, 5, 6], [4, 2]);
    const [x, y, z] = values;
    if (x === undefined || y === undefined || z === undefined) throw new Error('no input');
    expect(matMul(b, x, y).shape).toEqual([2, 3, 4, 6]);
    expect(gemm(b, z, z, true, false).shape).toEqual([2, 2]);
    expect(transpose(b, y, [2, 0, 1]).shape).toEqual([6, 3, 5]);
  });

  it('broadcasts as NumPy does', () => {
    const dims = fc.array(fc.constantFrom(1, 2, 3), { maxLength: 4 });
    const outcome = (broadcast: () => readonly (number | string)[]): string => {
      try {
        return broadcast().join();
      } catch (error) {
        return error instanceof Error && error.message.includes('do not broadcast') ? 'refused' : 'another error';
      }
    };
    const refuse = (message: string): never => {
      throw new Error(message);
    };
    fc.assert(
      fc.property(dims, dims, (x, y) =>
        expect(outcome(() => broadcastShapes(x, y, refuse))).toBe(outcome(() => broadcastDims(x, y))),
      ),
    );
  });
});
