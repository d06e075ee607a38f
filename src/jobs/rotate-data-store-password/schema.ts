import { z } from 'zod';
import { refuseBothSites, siteInputs } from '../data-store-selection.ts';
import { SecretName } from '../register-database/schema.ts';

const name = z.string().min(1).max(300);

export const RotateDataStorePasswordParams = z
  .strictObject({
    ...siteInputs,
    match: z
      .strictObject({
        host: name.describe('Machine of the database, as the items name it'),
        database: name.optional().describe('Name of the database; none: all databases of the host'),
        user: name.describe('Database user whose password is a new one'),
      })
      .describe('Whose password it is'),
    password: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .describe('The new password. Sealed at once, and wiped when the job ends'),
    passwordFrom: SecretName.optional(),
    dryRun: z
      .boolean()
      .default(false)
      .describe('Tells which items would be changed, and which services are behind them'),
  })
  .superRefine(refuseBothSites)
  .superRefine(({ password, passwordFrom, dryRun }, check) => {
    const given = [password, passwordFrom].filter((each) => each !== undefined).length;
    if (given === 1 || (given === 0 && dryRun)) return;
    check.addIssue({
      code: 'custom',
      path: ['password'],
      message: 'send exactly one of password and passwordFrom',
    });
  })
  .meta({ id: 'RotateDataStorePasswordInputs' });
export type RotateDataStorePasswordParams = z.output<typeof RotateDataStorePasswordParams>;

export const RotatedItem = z.object({
  path: z.string(),
  outcome: z
    .enum(['changed', 'put-back', 'would-change'])
    .describe('`put-back`: it does not validate with the new password and is as it was'),
  sides: z.array(z.enum(['server', 'client'])).describe('Where the login stands in the item'),
  services: z.array(z.string()).describe('Services behind it, as far as their manifests tell'),
  wasValid: z.boolean().optional().describe('Whether it validated before'),
  isValid: z.boolean().optional().describe('Whether it validates now'),
  messages: z.array(z.string()).describe("The site's own words about the new password"),
});
export type RotatedItem = z.output<typeof RotatedItem>;

export const RotateDataStorePasswordResult = z
  .object({
    sites: z.array(z.object({ site: z.string(), items: z.array(RotatedItem) })),
    changed: z.int(),
    putBack: z.int(),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'RotateDataStorePasswordResults' });
export type RotateDataStorePasswordResult = z.output<typeof RotateDataStorePasswordResult>;
