import { tmpdir } from 'node:os';
import type { ArcpyOfWorker } from '../arcpy/arcpy-of-worker.ts';
import { ArcpyRuntime } from '../arcpy/arcpy-runtime.ts';
import { findPython } from '../arcpy/find-python.ts';
import { toPythonEnvironment } from '../arcpy/python-environment.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import type { RuntimeKeeper } from '../worker/runtime-keeper.ts';

/** The ArcPy of this machine, if there is one that may be used. Nothing is started yet but its folder is made. */
export async function openArcpy(
  config: Config,
  env: NodeJS.ProcessEnv,
  log: Log,
): Promise<{ runtime: ArcpyRuntime; foundBy: string } | undefined> {
  if (!config.arcpy.enabled) return undefined;
  const command = await findPython({ configured: config.arcpy.python, env });
  if (!command) return undefined;
  log.info({ python: command.file, foundBy: command.foundBy }, 'ArcPy was found');
  const runtime = new ArcpyRuntime({
    command,
    config: config.arcpy,
    env: toPythonEnvironment(env, secretVariables(config)),
    workFolder: config.arcpy.workFolder ?? tmpdir(),
    log,
  });
  await runtime.open();
  return { runtime, foundBy: command.foundBy };
}

/** What handlers get of it. */
export function toArcpyOfWorker(
  config: Config,
  { runtime, runtimeKeeper }: { runtime: ArcpyRuntime; runtimeKeeper: RuntimeKeeper },
): ArcpyOfWorker {
  return {
    use: (options, work) => runtime.use(options, work),
    tools: config.arcpy.tools,
    blankProject: () => runtimeKeeper.blankProject,
    version: () => runtimeKeeper.version,
  };
}

/** Names of the variables that hold what the configuration calls secrets. */
function secretVariables(config: Config): string[] {
  const references = [
    ...Object.values(config.sites).map(({ auth }) => auth.password),
    ...Object.values(config.secrets),
    ...config.sealing.keys.map(({ key }) => key),
    ...(config.redis.password ? [config.redis.password] : []),
  ];
  return references.flatMap((reference) => ('env' in reference ? [reference.env] : []));
}
