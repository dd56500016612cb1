// Which matches of a page stand out.

const MIN_SHARE = 0.75; // of what stands out most: weaker matches are not marked

const telling = (matches) => matches.filter((match) => !match.common);

/** How far the best match of some pages stands out. */
export const peak = (...pages) => Math.max(...pages.flatMap(telling).map((match) => match.contrast), 0.01);

/** The matches that stand out most, which cards and the strip mark. */
export const strongMatches = (matches, most = peak(matches)) =>
  telling(matches).filter((match) => match.contrast >= MIN_SHARE * most);

/** All places of some matches, best word first. */
export const placesOf = (matches) =>
  matches.flatMap((match) => match.places.flatMap((place) => [place.region, ...place.more])).filter(Boolean);
