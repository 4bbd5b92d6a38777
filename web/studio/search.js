// Records of a topic from the newest backwards, those with a text in them, through
// GET /topics/NAME/records?contains=…

const kStep = 20_000;  // offsets a request looks at

// Records with `contains` of the partitions {partition, begin, end}, the newest first in each step; a generator of
// {records, looked}: what a step found, and at how many offsets it looked. Ends where `signal` is aborted.
export async function* searchBack(topic, partitions, contains, signal) {
  const ends = new Map(partitions.map(({partition, end}) => [partition, end]));
  while ([...ends].some(([partition, end]) => end > beginOf(partitions, partition))) {
    let looked = 0;
    const records = [];
    for (const [partition, end] of ends) {
      const begin = beginOf(partitions, partition);
      const from = Math.max(begin, end - kStep);
      if (from >= end) continue;
      for (let next = from; next < end;) {
        const part = await readRecords(topic, {partition, offset: next, end, limit: 1000, contains}, signal);
        records.push(...part.records);
        if (part.next <= next) break;
        next = part.next;
      }
      looked += end - from;
      ends.set(partition, from);
    }
    yield {records: records.sort((a, b) => b.timestamp - a.timestamp || b.offset - a.offset), looked};
  }
}

const beginOf = (partitions, wanted) => partitions.find(({partition}) => partition === wanted).begin;

// {records, next}: parsed, and the offset to go on with.
export async function readRecords(topic, query, signal) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== ''));
  const response = await fetch(`topics/${encodeURIComponent(topic)}/records?${parameters}`, {cache: 'no-store', signal});
  if (!response.ok) throw new Error(await messageOf(response));
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return {records: lines.map((line) => JSON.parse(line)), next: Number(response.headers.get('Gameflow-Next-Offset'))};
}

// What the server says is wrong, for a person.
export async function messageOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `the server answered ${response.status}`;
  }
}
