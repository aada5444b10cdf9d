const { TestEnvironment } = require('jest-environment-node');

/**
 * Node's own typed arrays inside tests. Jest runs tests in a second realm; a native addon (ONNX Runtime) makes arrays in the
 * first one, and `instanceof` checks between the two fail for reasons that have nothing to do with the code under test.
 */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    Object.assign(this.global, { ArrayBuffer, Float32Array, Float64Array, Int32Array, BigInt64Array, Uint8Array });
  }
};
