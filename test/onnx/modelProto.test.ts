import { createHash } from 'node:crypto';
import { onnx } from 'onnx-proto';
import { GraphBuilder, GraphError, type Graph } from '../../src/onnx/graph';
import { encodeModel, opset } from '../../src/onnx/modelProto';
import { add } from '../../src/onnx/ops';
import { opTable } from '../../src/onnx/opTable';
import { decodeModel } from '../support/decodeModel';
import { opCases } from '../support/opCases';

const sample = (): Graph => {
  const b = new GraphBuilder('sample');
  const x = b.input('x', 'float32', ['rows', 3]);
  b.output('y', b.one('Softmax', [add(b, x, b.constant('float32', [3], [1, -2, 0.5]))], { axis: -1 }));
  return b.build();
};

describe('encodeModel', () => {
  it('gives bytes that do not change', () => {
    const digest = createHash('sha256').update(encodeModel(sample())).digest('hex');
    expect(digest).toBe('522a5d5a60b4c7d25ed093d8e847aa1907bc35f0b543490c4a22fd47c6fd9bba');
    expect(encodeModel(sample())).toEqual(encodeModel(sample()));
  });

  it('declares one opset, IR 10 and its producer', () => {
    const model = onnx.ModelProto.decode(encodeModel(sample()));
    expect(Number(model.irVersion)).toBe(10);
    expect(model.producerName).toBe('tripost');
    expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', opset]]);
  });

  const importsOf = (graph: Graph): readonly (readonly [string, number])[] =>
    onnx.ModelProto.decode(encodeModel(graph)).opsetImport.map(({ domain, version }) => [
      domain ?? '',
      Number(version),
    ]);

  const contributed = new Set<string>(Object.entries(opTable).flatMap(([op, row]) => ('domain' in row ? [op] : [])));

  it("declares ONNX Runtime's own domain where an operator is of it, and only there", () => {
    expect(contributed.size).toBeGreaterThan(0);
    for (const { op, graph } of opCases)
      expect(importsOf(graph)).toEqual([['', opset], ...(contributed.has(op) ? [['com.microsoft', 1]] : [])]);
  });

  it('declares it where such an operator is in the body of a Loop alone', () => {
    const looped = (op: 'Neg' | 'RotaryEmbedding'): Graph => {
      const b = new GraphBuilder('outer');
      const x = b.input('x', 'float32', [1, 2, 4]);
      const body = new GraphBuilder('body', b);
      body.input('turn', 'int64', []);
      const condition = body.input('condition', 'bool', []);
      const row = body.input('row', 'float32', [1, 2, 4]);
      const [positions, table] = [
        body.constant('int64', [1, 2], [0, 1]),
        body.constant('float32', [2, 2], [1, 0, 0, 1]),
      ];
      const inputs = op === 'Neg' ? [row] : [row, positions, table, table];
      body.output('go', condition);
      body.output('next', body.one(op, inputs, op === 'Neg' ? {} : { num_heads: 1, interleaved: 0 }));
      b.output('y', b.one('Loop', [b.scalar('int64', 2), b.scalar('bool', 1), x], { body: { graph: body.build() } }));
      return b.build();
    };
    expect(importsOf(looped('Neg'))).toEqual([['', opset]]);
    expect(importsOf(looped('RotaryEmbedding'))).toEqual([
      ['', opset],
      ['com.microsoft', 1],
    ]);
  });

  it('writes names and sizes of dimensions', () => {
    const [x] = onnx.ModelProto.decode(encodeModel(sample())).graph?.input ?? [];
    const dims = x?.type?.tensorType?.shape?.dim ?? [];
    expect(dims.map(({ dimParam, dimValue }) => dimParam || Number(dimValue))).toEqual(['rows', 3]);
  });

  for (const { name, graph } of opCases)
    it(`survives decoding and encoding: ${name}`, () => {
      const bytes = encodeModel(graph);
      expect(Buffer.from(encodeModel(decodeModel(bytes))).equals(bytes)).toBe(true);
    });

  it('refuses a graph that is not in order', () => {
    const graph = sample();
    expect(() => encodeModel({ ...graph, nodes: [...graph.nodes].reverse() })).toThrow(GraphError);
  });

  it('declares an opset that every row fits in', () => {
    expect(Object.values(opTable).every(({ since }) => since <= opset)).toBe(true);
  });
});
