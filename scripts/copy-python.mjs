import { cp, rm } from 'node:fs/promises';

// `tsc` copies only what it compiles; what Python runs lies beside it.
const target = new URL('../dist/arcpy/scripts/', import.meta.url);
await rm(target, { recursive: true, force: true });
await cp(new URL('../src/arcpy/scripts/', import.meta.url), target, {
  recursive: true,
  filter: (path) => !path.includes('__pycache__'),
});
