import { hasEnded, type JobRecord } from '../src/jobs/job-record.ts';
import type { ChaosHouse } from './chaos-house.ts';
import type { Asked } from './chaos-jobs.ts';

export type Account = { asked: Asked; record: JobRecord };

/** @param notes gets what is no fault and worth knowing */
export function compareSites(house: ChaosHouse, accounts: Account[], notes: string[]): string[] {
  const faults: string[] = [];
  for (const [name, { control }] of house.sites) {
    const { services, uploads, siteJobs, folders, dataItems } = control.state();
    const here = accounts.filter(({ asked }) => asked.site === name);
    const targets = new Set([
      ...here.map(({ asked }) => asked.target),
      ...services.map(toTarget),
      ...dataItems.map(({ path }) => path),
    ]);
    for (const target of targets) {
      const ofTarget = inOrder(here.filter(({ asked }) => asked.target === target));
      const fault =
        findTrouble(ofTarget) ??
        (target.startsWith('/')
          ? compareItem(
              ofTarget,
              dataItems.filter(({ path }) => path === target),
            )
          : compareService(
              ofTarget,
              services.filter((service) => toTarget(service) === target),
            ));
      if (fault) faults.push(`${name} ${target}: ${fault} (${tell(ofTarget)})`);
    }
    for (const { itemName, description } of uploads)
      faults.push(`${name}: the upload ${itemName} (${description}) was left behind`);
    for (const { jobId, status, isFinal } of siteJobs)
      if (!isFinal) faults.push(`${name}: the site job ${jobId} still runs: ${status}`);
    for (const folder of folders)
      if (!services.some((service) => service.folder === folder))
        notes.push(`${name}: the folder ${folder} is empty`);
    for (const { rule, detail } of control.violations()) faults.push(`${name}: ${rule}: ${detail}`);
  }
  return faults;
}

const toTarget = ({ folder, name }: { folder: string; name: string }) =>
  folder ? `${folder}/${name}` : name;

function inOrder(accounts: Account[]): Account[] {
  return accounts
    .filter(({ record }) => record.attempt > 0)
    .sort((a, b) => a.record.updatedMs - b.record.updatedMs);
}

function findTrouble(accounts: Account[]): string | undefined {
  for (const { record } of accounts) {
    if (!hasEnded(record)) return `${record.jobId} has not ended`;
    if (record.undo === 'failed') return `${record.jobId} could not be undone: ${record.message}`;
  }
  return undefined;
}

function tell(accounts: Account[]): string {
  return accounts
    .slice(-4)
    .map(({ asked, record }) => {
      const wanted = asked.kind === 'service' ? asked.layer : asked.path;
      return `${record.processID} ${wanted} ${record.jobId} ${record.status} undo=${record.undo} attempt=${record.attempt}`;
    })
    .join('; ');
}

/** The service is the one of the job that succeeded last; what failed or was dismissed after it left no trace. */
function compareService(
  accounts: Account[],
  found: { layers: string[]; realTimeState: string }[],
): string | undefined {
  let expected: string | undefined;
  for (const { asked, record } of accounts) {
    const { outcome } = (record.results ?? {}) as { outcome?: string };
    if (asked.kind === 'service' && (outcome === 'created' || outcome === 'replaced'))
      expected = asked.layer;
  }
  if (found.length > 1) return `${found.length} services`;
  const [service] = found;
  if (!expected) return service && `a service with ${service.layers} that no job owns`;
  if (!service) return `no service, ${expected} is expected`;
  if (!service.layers.includes(expected))
    return `a service with ${service.layers}, ${expected} is expected`;
  return service.realTimeState === 'STARTED' ? undefined : `is ${service.realTimeState}`;
}

function compareItem(
  accounts: Account[],
  found: { info: Record<string, unknown> }[],
): string | undefined {
  const last = accounts.findLast(({ record }) => record.status === 'successful');
  const expected = last?.asked.kind === 'item' ? last.asked.path : undefined;
  const held = found.map(({ info }) => String(info.path));
  const isSame = held.length === (expected ? 1 : 0) && (held[0] ?? undefined) === expected;
  return isSame ? undefined : `holds ${held.join(', ') || 'nothing'}, ${expected} is expected`;
}
