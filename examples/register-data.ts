/**
 * Registers a folder and a database with a site, if they are not there yet:
 *
 *   npx tsx examples/register-data.ts http://127.0.0.1:8080 demo '\\files\gis' parcels.sde
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', site = '', path = '', connectionFile = ''] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

async function finish(jobID: string): Promise<string> {
  const ended = await pressroom.waitForJob(jobID);
  if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);
  return jobID;
}

const { id } = await pressroom.uploadFile(connectionFile); // with a password in it: it is wiped when the job ends
const jobs = await Promise.all([
  pressroom.execute('register-folder', { site, name: 'gis', path }),
  pressroom.execute('register-database', {
    ...{ site, name: 'parcels', connectionFile: { href: `/v1/uploads/${id}` } },
  }),
]);
type Registered = { outcome: string; item: { path: string } };
for (const { jobID } of jobs) {
  const { outcome, item } = await pressroom.readResults<Registered>(await finish(jobID));
  console.log(`${item.path}: ${outcome}`);
}
