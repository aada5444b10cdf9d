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
