import { readAdminInfo, readRestInfoAndClock } from '../../sites/site-reader.ts';
import { defineStep, type StepContext } from '../step.ts';
import { checkData } from './check-data.ts';
import { decideAction } from './decide-action.ts';
import { refuseIfNotAsPlanned } from './planned-state.ts';
import { Decision, type Publishing, removeFilesOf } from './publishing-context.ts';
import {
  getStartedTools,
  refuseByPrivilege,
  refuseByRuntime,
  refusePermissions,
  refuseReadOnly,
} from './site-judgements.ts';
import { saveSnapshot } from './snapshot.ts';

/** Looks at account, site, definition and target, and decides once and for all what is to be done. */
export const checkRequest = defineStep({
  name: 'check',
  title: 'Checking the site and the definition',
  share: [0, 8],
  isReading: true,
  result: Decision,
  act: check,
  undo: async ({ storage }, _decision, { jobId }) => {
    await removeFilesOf(jobId, storage);
    return undefined;
  },
});

async function check(publishing: Publishing, context: StepContext): Promise<Decision> {
  const { site } = publishing;
  const { signal } = context;
  const rest = await readRestInfoAndClock(site, { signal });
  const admin = await readAdminInfo(site, { signal });
  await refusePermissions(publishing, rest, signal);
  await refuseReadOnly(publishing, signal);
  await refuseByPrivilege(publishing, admin, signal);
  await refuseByRuntime(publishing, rest.version, signal);
  const data = await checkData(publishing, signal);
  const tools = await getStartedTools(publishing, signal);
  const common = {
    tools: { name: tools.name, maxUsageTimeSeconds: tools.maxUsageTimeSeconds },
    isFederated: rest.owningSystemUrl !== undefined,
    clockDifferenceMs: rest.clockSkewMs ?? 0,
    ...data,
    ...(rest.version && { version: rest.version }),
    ...(admin.username && { account: admin.username }),
    ...(admin.privilege && { privilege: admin.privilege }),
  };
  const { picture, ...decided } = await decideAction(publishing, signal);
  await refuseIfNotAsPlanned(publishing, {
    ...decided,
    restorable: decided.live?.restorable,
    picture,
  });
  if (picture) await saveSnapshot(publishing.storage, publishing.jobId, picture);
  return { ...common, ...decided };
}
