import type { ArcpyConfig } from '../lib/arcpy-config.ts';
import type { ArcpyRuntime } from './arcpy-runtime.ts';

/** What a handler gets of its worker's ArcPy. */
export type ArcpyOfWorker = {
  use: ArcpyRuntime['use'];
  /** The tools that may be run here. */
  tools: ArcpyConfig['tools'];
  /** An empty project for imports; none: one is made. */
  blankProject: () => string | undefined;
  /** Of ArcPy, as it told it when it started. */
  version: () => string | undefined;
};
