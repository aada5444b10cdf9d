/** Values that must never be kept: the guards of the ledger and of the blob store look for them. */
export const secretsInUse = (env: NodeJS.ProcessEnv): readonly string[] =>
  [env['OPENAI_API_KEY'] ?? ''].map((key) => key.trim()).filter((key) => key !== '');
