import { GraphError, type Graph } from './graph';

/**
 * Refuses a graph that is not in single-assignment, topological order: every node reads only graph inputs, constants,
 * earlier outputs or (in a Loop body) values of the graph around it, and every name is written once.
 */
export const verifyGraph = (graph: Graph, outer: ReadonlySet<string> = new Set()): void => {
  const known = new Set(outer);
  const define = (name: string, by: string): void => {
    if (known.has(name)) throw new GraphError(by, `the value "${name}" is written twice`);
    known.add(name);
  };
  for (const input of graph.inputs) define(input.name, graph.name);
  for (const constant of graph.constants) define(constant.name, graph.name);
  for (const node of graph.nodes) {
    for (const input of node.inputs)
      if (!known.has(input.name))
        throw new GraphError(node.name, `reads "${input.name}", which nothing before it writes`);
    for (const attribute of Object.values(node.attributes))
      if (typeof attribute === 'object' && 'graph' in attribute) verifyGraph(attribute.graph, known);
    for (const output of node.outputs) define(output.name, node.name);
  }
  for (const output of graph.outputs)
    if (!known.has(output.name)) throw new GraphError(graph.name, `the output "${output.name}" is never written`);
};
