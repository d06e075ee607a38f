import type { RuntimeProbe } from '../arcpy/runtime-probe.ts';
import { findMismatch } from '../jobs/runtime-versions.ts';
import type { Config } from '../lib/config.ts';
import { GatewayError } from '../lib/errors.ts';
import { createLog } from '../lib/log.ts';
import { openArcpy } from './arcpy-of-machine.ts';
import { type Finding, fail, ok, type Verdict, warn } from './finding.ts';

/** Whether there is an ArcPy on this machine, whether it starts, and what may lead it astray. */
export async function checkArcpy(
  config: Config,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  siteVersions: Readonly<Record<string, string>> = {},
): Promise<Finding[]> {
  const find = (check: string, verdict: Verdict): Finding => ({
    about: 'arcpy',
    check,
    ...verdict,
  });
  if (!config.arcpy.enabled) return [];
  const opened = await openArcpy(config, env, createLog({ level: 'silent' }));
  if (!opened) return [find('installation', ok('None: a worker here does no jobs of ArcPy.'))];
  const { runtime, foundBy } = opened;
  try {
    const probe = await runtime.probe(signal);
    return [
      find('installation', ok(`${probe.executable} (found by ${foundBy})`)),
      find(
        'product',
        ok(
          `${probe.productName} ${probe.version}, licence ${probe.license}, Python ${probe.python}`,
        ),
      ),
      find('extensions', ok(extensionsOf(probe))),
      find('drafts', judgeFeatures(probe)),
      ...probe.conflicts.map((conflict) =>
        find('environment', warn(`${conflict}.`, 'Use an environment of ArcGIS alone.')),
      ),
      ...Object.entries(siteVersions).flatMap(([site, version]) => {
        const mismatch = findMismatch(probe, version);
        return mismatch === undefined ? [] : [find(`site ${site}`, warn(`${mismatch}.`))];
      }),
    ];
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GatewayError)) throw error;
    return [find('start', fail(error.message))];
  } finally {
    await runtime.close();
  }
}

function extensionsOf({ extensions }: RuntimeProbe): string {
  const usable = Object.entries(extensions).filter(([, status]) => status === 'Available');
  return usable.map(([name]) => name).join(', ') || 'none';
}

function judgeFeatures({ features }: RuntimeProbe): Verdict {
  if (features.sharingDrafts) return ok('maps and tools by arcpy.sharing');
  return fail(
    'This ArcPy is too old to draft map services.',
    'Use ArcGIS Pro 3.0, ArcGIS Server 11.0, or newer.',
  );
}
