/**
 * Points a map at production and saves the edited file:
 *
 *   npx tsx examples/point-map-at-production.ts http://127.0.0.1:8080 roads.mapx roads-production.mapx
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', source = '', target = ''] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

const upload = await pressroom.uploadFile(source);
const job = await pressroom.execute('edit-map', {
  document: { href: `/v1/uploads/${upload.id}` },
  changeSources: [
    { from: { host: ['gis-test', 'gis-test.example.org'] }, to: { host: 'gis-production' } },
    { from: { wildcard: '\\\\files\\test\\*' }, to: { path: '\\\\files\\production\\{1}' } },
  ],
});

const ended = await pressroom.waitForJob(job.jobID);
if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);

type Changes = { changes: { layer: string; before: { host?: string; path?: string } }[] };
const { changes } = await pressroom.readResults<Changes>(job.jobID);
for (const { layer, before } of changes) console.log(`${layer}: was ${before.host ?? before.path}`);
await pressroom.saveArtifact(job.jobID, target);
