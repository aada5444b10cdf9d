import type { DType, Tensor } from '../ports/tensorRuntime';
import { opTable, type OpName } from './opTable';

/** A size known when the graph is built, or a name for one that is known only at run time (decoding, never training). */
export type Dim = number | string;

/** An edge of the graph. Shapes are row-major. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
  /** Present where the value is a constant of the graph. */
  readonly constant?: Tensor;
}

export type Attribute = number | string | readonly number[] | { readonly float: number } | { readonly graph: Graph };
export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  readonly op: OpName;
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly constants: readonly Value[];
}

/**
 * Consecutive nodes that are differentiated as one. `vjp` says how: one thunk or null per input, from the gradients that
 * arrive at the outputs. `rebuild` instead emits the same computation again on other inputs, to be differentiated in place
 * of the first one, whose values then need not be kept.
 */
export interface Region {
  /** Indices into the builder's nodes: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly backward:
    | { readonly vjp: (grads: readonly (Value | undefined)[]) => readonly ((() => Value) | null)[] }
    | { readonly rebuild: (inputs: readonly Value[]) => readonly Value[] };
}

/** A graph that cannot be: thrown while building, with the node's name, since it is a mistake in the program. */
export class GraphError extends Error {
  constructor(node: string, message: string) {
    super(`${message} (node "${node}")`);
    this.name = 'GraphError';
  }
}

/** The value of a name; throws where there is none. */
export const valueNamed = (values: ReadonlyMap<string, Value>, name: string): Value => {
  const value = values.get(name);
  if (value === undefined) throw new GraphError(name, 'there is no value of this name');
  return value;
};

/** The sizes of a value whose shape is wholly known; throws where a dimension is only a name. */
export const staticShape = (value: Value): readonly number[] =>
  value.shape.map((dim) => {
    if (typeof dim !== 'number')
      throw new GraphError(value.name, `expected a static shape, got [${value.shape.join(', ')}]`);
    return dim;
  });

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);

const arrayOf: Readonly<Record<DType, (values: readonly number[]) => Tensor['data']>> = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values.map((v) => BigInt(v))),
  bool: (values) => Uint8Array.from(values),
};

/** Builds one graph, or (with a parent) the body of a Loop that may read the parent's values by name. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
  readonly constants: Value[] = [];
  readonly regions: Region[] = [];
  private readonly constantByKey = new Map<string, Value>();
  private readonly counts: Map<string, number>;
  private readonly scopes: string[] = [];

  constructor(
    readonly name: string,
    private readonly parent?: GraphBuilder,
  ) {
    this.counts = parent?.counts ?? new Map<string, number>();
  }

  /** Runs `body` with `name/` in front of the names of the nodes it emits, so that an error says where. */
  scope<T>(name: string, body: () => T): T {
    this.scopes.push(name);
    try {
      return body();
    } finally {
      this.scopes.pop();
    }
  }

  /** Marks the nodes that `body` emits as a region with a gradient of its own. */
  region(
    inputs: readonly Value[],
    body: () => readonly Value[],
    backward: (outputs: readonly Value[]) => Region['backward'],
  ): readonly Value[] {
    const from = this.nodes.length;
    const outputs = body();
    this.regions.push({ from, to: this.nodes.length, inputs, outputs, backward: backward(outputs) });
    return outputs;
  }

  private fresh(base: string): string {
    const full = [...(this.parent === undefined ? [] : [this.name]), ...this.scopes, base].join('/');
    const count = this.counts.get(full) ?? 0;
    this.counts.set(full, count + 1);
    return count === 0 ? full : `${full}_${count}`;
  }

  input(name: string, dtype: DType, shape: readonly Dim[]): Value {
    const value = { name, dtype, shape };
    this.inputs.push(value);
    return value;
  }

  /** Marks a value as an output, under a name of its own. */
  output(name: string, value: Value): void {
    const [renamed] = this.emit('Identity', [value]);
    if (renamed === undefined) throw new GraphError(name, 'Identity gave no output');
    const named = { ...renamed, name };
    const last = this.nodes.pop();
    if (last === undefined) throw new GraphError(name, 'no node to rename');
    this.nodes.push({ ...last, outputs: [named] });
    this.outputs.push(named);
  }

  /** A constant tensor; equal constants are one value. */
  constant(dtype: DType, dims: readonly number[], values: readonly number[]): Value {
    const key = `${dtype}[${dims.join(',')}]${values.map((v) => (Object.is(v, -0) ? '-0' : v)).join(',')}`;
    const known = this.constantByKey.get(key);
    if (known !== undefined) return known;
    if (sizeOf(dims) !== values.length)
      throw new GraphError(this.name, `constant of shape [${dims.join(', ')}] given ${values.length} values`);
    const name = this.fresh('constant');
    const value: Value = { name, dtype, shape: dims, constant: { dtype, dims, data: arrayOf[dtype](values) } };
    this.constantByKey.set(key, value);
    this.constants.push(value);
    return value;
  }

  scalar(dtype: DType, value: number): Value {
    return this.constant(dtype, [], [value]);
  }

  ints(values: readonly number[]): Value {
    return this.constant('int64', [values.length], values);
  }

  /** Adds a node; its output shapes and types come from the op's row, which refuses inputs that do not fit. */
  emit(op: OpName, inputs: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    const name = this.fresh(op);
    const outputs = opTable[op]
      .infer(inputs, attributes, (message) => {
        const given = inputs.map((v) => `${v.dtype}[${v.shape.join(', ')}]`).join(', ');
        throw new GraphError(name, `${op}: ${message}; got ${given}`);
      })
      .map((out, i) => ({ ...out, name: i === 0 ? `${name}:out` : `${name}:out${i}` }));
    this.nodes.push({ op, name, inputs, outputs, attributes });
    return outputs;
  }

  /** Adds a node that has one output. */
  one(op: OpName, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const [value] = this.emit(op, inputs, attributes);
    if (value === undefined) throw new GraphError(op, 'the op has no output');
    return value;
  }

  build(): Graph {
    return {
      name: this.name,
      inputs: this.inputs,
      outputs: this.outputs,
      nodes: this.nodes,
      constants: this.constants,
    };
  }
}
