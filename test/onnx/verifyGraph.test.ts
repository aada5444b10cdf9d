import { GraphBuilder, type Graph, type Value } from '../../src/onnx/graph';
import { add } from '../../src/onnx/ops';
import { verifyGraph } from '../../src/onnx/verifyGraph';

const x: Value = { name: 'x', dtype: 'float32', shape: [2] };
const stranger: Value = { name: 'stranger', dtype: 'float32', shape: [2] };

const built = (body: (b: GraphBuilder) => void): Graph => {
  const b = new GraphBuilder('test');
  body(b);
  return b.build();
};

/** A graph whose Loop adds `read` in every turn. */
const looped = (read: Value, rename: (body: Graph) => Graph = (body) => body): Graph =>
  built((b) => {
    b.input('x', 'float32', [2]);
    const body = new GraphBuilder('body', b);
    body.input('turn', 'int64', []);
    const condition = body.input('condition', 'bool', []);
    const sum = body.input('sum', 'float32', [2]);
    body.output('go', condition);
    body.output('next', add(body, sum, read));
    const start = b.constant('float32', [2], [0, 0]);
    b.output(
      'y',
      b.one('Loop', [b.scalar('int64', 2), b.scalar('bool', 1), start], { body: { graph: rename(body.build()) } }),
    );
  });

describe('verifyGraph', () => {
  it('takes a graph in order', () => {
    expect(() => verifyGraph(built((b) => b.output('y', add(b, b.input('x', 'float32', [2]), x))))).not.toThrow();
  });

  it('refuses a node that reads what nothing wrote', () => {
    const graph = built((b) =>
      b.output(
        'y',
        b.scope('layer0', () => add(b, b.input('x', 'float32', [2]), stranger)),
      ),
    );
    expect(() => verifyGraph(graph)).toThrow('reads "stranger", which nothing before it writes (node "layer0/Add")');
  });

  it('refuses nodes out of order', () => {
    const graph = built((b) => {
      const sum = add(b, b.input('x', 'float32', [2]), x);
      b.output('y', add(b, sum, sum));
    });
    expect(() => verifyGraph({ ...graph, nodes: [...graph.nodes].reverse() })).toThrow(
      'which nothing before it writes (node "Identity")',
    );
  });

  it('refuses a value that is written twice', () => {
    const graph = built((b) => b.output('y', add(b, b.input('x', 'float32', [2]), x)));
    expect(() => verifyGraph({ ...graph, nodes: [...graph.nodes, ...graph.nodes] })).toThrow(
      'the value "Add:out" is written twice (node "Add")',
    );
    expect(() => verifyGraph({ ...graph, inputs: [x, x] })).toThrow('the value "x" is written twice (node "test")');
  });

  it('refuses an output that is never written', () => {
    const graph = built((b) => b.output('y', b.input('x', 'float32', [2])));
    expect(() => verifyGraph({ ...graph, outputs: [stranger] })).toThrow(
      'the output "stranger" is never written (node "test")',
    );
  });

  it('lets a Loop body read the graph around it', () => {
    expect(() => verifyGraph(looped(x))).not.toThrow();
  });

  it('refuses a Loop body that reads what nothing wrote', () => {
    expect(() => verifyGraph(looped(stranger))).toThrow(
      'reads "stranger", which nothing before it writes (node "body/Add")',
    );
  });

  it('refuses a Loop body that writes a name of the graph around it', () => {
    const shadowing = looped(x, (body) => ({ ...body, constants: [x] }));
    expect(() => verifyGraph(shadowing)).toThrow('the value "x" is written twice (node "body")');
  });

  it('keeps what a Loop body writes inside it', () => {
    const graph = looped(x);
    const reader = built((b) => b.output('z', add(b, { ...stranger, name: 'body/Add:out' }, x)));
    expect(() => verifyGraph({ ...graph, nodes: [...graph.nodes, ...reader.nodes] })).toThrow('reads "body/Add:out"');
  });
});
