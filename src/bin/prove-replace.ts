import type { Site } from '../sites/sites.ts';
import { type Finding, fail, toVerdict, type Verdict } from './finding.ts';
import { type Proof, prepareScratchService, type ScratchService } from './scratch-service.ts';

/**
 * Publishes a scratch service twice, the second time as a replacement by the configured method, and tells
 * what the site made of it. The service and the uploads are removed again, also when it is broken off.
 */
export async function proveReplace(site: Site, proof: Proof): Promise<Finding[]> {
  const findings: Finding[] = [];
  const tell = (check: string, verdict: Verdict) => {
    findings.push({ about: `site ${site.name}`, check: `proof, ${check}`, ...verdict });
  };
  const { replaceMethod } = site.config;
  if (replaceMethod === 'refuse') {
    const remedy = 'Set it to manifest or overwrite and try again.';
    tell('method', fail('replaceMethod is refuse: there is nothing to prove.', remedy));
    return findings;
  }
  let scratch: ScratchService | undefined;
  try {
    scratch = await prepareScratchService(site, proof);
    const first = await scratch.publishFirst();
    tell('first publish', first);
    if (first.level === 'fail') return findings;
    for (const [check, verdict] of await scratch.publishSecond(replaceMethod)) tell(check, verdict);
  } catch (error) {
    proof.signal.throwIfAborted();
    tell('run', toVerdict(error, site));
  } finally {
    const removed = await scratch?.remove().catch((error: unknown) => toVerdict(error, site));
    if (removed) tell('cleaning up', removed);
  }
  return findings;
}
