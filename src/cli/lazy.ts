/**
 * Says of what type a module is that `require` has just loaded: `typed<typeof import('./x')>(require('./x'))`. A lazy
 * `import()` would need file extensions and a promise; `tripost --help` must load neither a runtime nor a database.
 */
export const typed = <M>(loaded: M): M => loaded;
