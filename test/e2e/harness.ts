/** A site for one test, which ends with it. */
import { onTestFinished } from 'vitest';
import { makeSite, type Site, type SiteOptions } from './site.ts';

export { type Ended, journalText, type Site, type Started } from './site.ts';

export async function openSite(options?: SiteOptions): Promise<Site> {
  const site = await makeSite(options);
  onTestFinished(() => site.close());
  return site;
}
