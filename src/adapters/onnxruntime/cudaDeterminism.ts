/** Environment variables that CUDA's libraries are run with. */
export const cudaVariables = { NVIDIA_TF32_OVERRIDE: '0' } as const;

/** What a receipt says of numbers made by CUDA: the settings that make them repeatable on the same card and software. */
export const cudaDeterminism = 'session.use_deterministic_compute=1, NVIDIA_TF32_OVERRIDE=0';
