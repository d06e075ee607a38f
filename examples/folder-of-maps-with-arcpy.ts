/**
 * Publishes every map of a ZIP, and tells what became of each:
 *
 *   npx tsx examples/folder-of-maps-with-arcpy.ts http://127.0.0.1:8080 demo maps.zip
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', site = '', source = ''] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

const { id } = await pressroom.uploadFile(source);
const job = await pressroom.execute('publish-maps', {
  ...{ site, source: { href: `/v1/uploads/${id}` }, folder: 'Transport', copyDataToServer: true },
});
const ended = await pressroom.waitForJob(job.jobID);
if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);

type Children = { children: { key: string; status: string }[] };
const { children } = await pressroom.readResults<Children>(job.jobID);
for (const { key, status } of children) console.log(`${key}: ${status}`);
