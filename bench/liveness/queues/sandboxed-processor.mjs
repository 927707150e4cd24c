import { work } from '../work.mjs';

export default async function process() {
  await work();
}
