import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cudaKernels, partitionOf } from '../../src/onnx/cudaKernels';
import { GraphBuilder, type Graph } from '../../src/onnx/graph';
import { opTable, type OpName } from '../../src/onnx/opTable';
import { cast, oneHot, reduceMean } from '../../src/onnx/ops';
import { decodeTensors, type DecodeWeights } from '../../src/train/decode/decodeWeights';
import { prefillGraph, scoreGraph } from '../../src/train/decode/prefillGraph';
import { stepGraph } from '../../src/train/decode/stepGraph';
import { initialWeights } from '../../src/train/initialWeights';
import { layoutOf } from '../../src/train/layout';
import { parametersOf, type ModelShape } from '../../src/train/modelShape';
import { loopGraph } from '../../src/train/loopGraph';
import { trainedModel } from '../../src/train/trainedModel';
import { paperTrainConfig, type TrainConfig } from '../../src/train/trainConfig';
import { gradientGraph, lossGraph, squaresGraph } from '../../src/train/trainGraph';
import { goldenNames, readGoldenModel } from '../support/goldenModel';

const configs: readonly TrainConfig[] = [
  paperTrainConfig,
  { ...paperTrainConfig, microBatch: 3, packing: true, recompute: true },
  { ...paperTrainConfig, lora: { rank: 2, alpha: 4, targets: ['q_proj', 'down_proj'] } },
];

const decodeWeights = (shape: ModelShape): readonly DecodeWeights[] => {
  const tensors = decodeTensors(shape, initialWeights(shape, 1), shape.maxPositions);
  return [
    { tensors, as: 'inputs' },
    { tensors, as: 'constants' },
  ];
};

/** Every graph that tripost runs, in its variants. */
const builders: Readonly<Record<string, (shape: ModelShape) => readonly Graph[]>> = {
  gradientGraph: (shape) => configs.map((config) => gradientGraph(shape, config, 8)),
  lossGraph: (shape) => configs.map((config) => lossGraph(shape, config, 8)),
  loopGraph: (shape) =>
    configs.map((config) =>
      loopGraph(shape, config, trainedModel(shape, initialWeights(shape, 1), config, 1).layout.slots, [8, 8]),
    ),
  squaresGraph: (shape) => [squaresGraph(layoutOf(parametersOf(shape)).slots)],
  prefillGraph: (shape) => decodeWeights(shape).map((weights) => prefillGraph(shape, weights)),
  stepGraph: (shape) => decodeWeights(shape).map((weights) => stepGraph(shape, weights)),
  scoreGraph: (shape) => decodeWeights(shape).map((weights) => scoreGraph(shape, weights)),
};

const source = join(__dirname, '..', '..', 'src');
const textsOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));

/** What src/train exports as a graph and something else in src imports. */
const graphsInUse = (): readonly string[] => {
  const sources = textsOf(source);
  const exported = textsOf(join(source, 'train')).flatMap((text) =>
    [...text.matchAll(/^export const (\w+Graph) = /gm)].map(([, name]) => name),
  );
  return exported.flatMap((name = '') =>
    sources.some((text) => new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from`, 'm').test(text)) ? [name] : [],
  );
};

const shapes = goldenNames.map((name) => ({ name, shape: readGoldenModel(name).shape }));

const nodesOf = (graph: Graph): Graph['nodes'] =>
  graph.nodes.flatMap((node) => [
    node,
    ...Object.values(node.attributes).flatMap((a) => (typeof a === 'object' && 'graph' in a ? nodesOf(a.graph) : [])),
  ]);

describe('the graphs that tripost runs', () => {
  it('are all looked at here: a new one is a line in `builders`', () => {
    expect([...graphsInUse()].sort()).toEqual(Object.keys(builders).sort());
  });

  describe.each(shapes)('$name', ({ shape }) => {
    it.each(Object.entries(builders))('%s runs on CUDA alone', (_, build) => {
      for (const graph of build(shape)) {
        const { nodes, onCpu } = partitionOf(graph);
        expect(nodes).toBe(nodesOf(graph).length);
        expect(nodes).toBeGreaterThan(2);
        expect(onCpu).toEqual([]);
      }
    });

    it('leave nothing open in training, and in decoding only what TopK does with ties', () => {
      const open = (name: string): readonly OpName[] =>
        (builders[name]?.(shape) ?? []).flatMap((graph) => [...partitionOf(graph).cautions.keys()]);
      expect(['gradientGraph', 'lossGraph', 'squaresGraph', 'prefillGraph', 'scoreGraph'].flatMap(open)).toEqual([]);
      expect(new Set(open('stepGraph'))).toEqual(new Set(['TopK']));
    });

    it('scatter without reduction: adding to one place from several threads loses updates or their order', () => {
      for (const build of Object.values(builders))
        for (const node of build(shape).flatMap(nodesOf)) {
          expect(node.attributes['reduction'] ?? 'none').toBe('none');
        }
    });
  });
});

describe('the table of CUDA kernels', () => {
  const ops: readonly string[] = Object.keys(opTable);

  it('has an entry for every operator that a graph may hold, and for no other', () => {
    expect(Object.keys(cudaKernels).sort()).toEqual([...ops].sort());
  });

  it('has no operator that is made of a scatter', () => {
    const parts = Object.values(cudaKernels).flatMap(({ madeOf = [] }) => madeOf);
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.filter((op) => /scatter/i.test(op))).toEqual([]);
  });

  it('finds kernels for float32, int64 or bool: an operator that only the CPU has would be a mistake', () => {
    const emitted = new Set(['float32', 'int64', 'bool']);
    for (const { inputs } of Object.values(cudaKernels)) {
      expect(inputs.length).toBeGreaterThan(0);
      expect(inputs.every((types) => types.some((type) => emitted.has(type)))).toBe(true);
    }
  });
});

describe('partitionOf', () => {
  it('names the node, its operator and the type that has no kernel', () => {
    const b = new GraphBuilder('mixed');
    const counts = b.input('counts', 'int64', [2, 3]);
    b.output(
      'mean',
      b.scope('loss', () => reduceMean(b, counts, [1], false)),
    );
    b.output('sum', b.one('Add', [counts, counts]));
    expect(partitionOf(b.build())).toMatchObject({
      nodes: 4,
      onCpu: [{ name: 'loss/ReduceMean', op: 'ReduceMean', input: 0, dtype: 'int64' }],
    });
  });

  it('looks at the input whose type decides, not only at the first', () => {
    const b = new GraphBuilder('mixed');
    const ids = b.input('ids', 'int64', [2]);
    b.output('fits', oneHot(b, ids, 4, 'float32'));
    b.output('does not', oneHot(b, ids, 4, 'float64'));
    expect(partitionOf(b.build()).onCpu).toEqual([{ name: 'OneHot_1', op: 'OneHot', input: 2, dtype: 'float64' }]);
  });

  it('looks into the bodies of loops', () => {
    const b = new GraphBuilder('looping');
    const start = b.input('start', 'float32', [2]);
    const body = new GraphBuilder('body', b);
    body.input('turn', 'int64', []);
    const going = body.input('going', 'bool', []);
    const row = body.input('row', 'float32', [2]);
    const rounded = reduceMean(body, cast(body, row, 'int64'), [0], true);
    body.output('go on', going);
    body.output('next', body.one('Add', [row, cast(body, rounded, 'float32')]));
    const [last = start] = b.emit('Loop', [b.scalar('int64', 3), b.scalar('bool', 1), start], {
      body: { graph: body.build() },
    });
    b.output('last', last);
    const { nodes, onCpu } = partitionOf(b.build());
    expect(nodes).toBe(8);
    expect(onCpu).toEqual([{ name: 'body/ReduceMean', op: 'ReduceMean', input: 0, dtype: 'int64' }]);
  });
});
