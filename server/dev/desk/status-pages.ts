const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const page = (heading: string, body: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${heading}</title>
</head>
<body>
<main>
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;

/** Shown while the page is being built. The response reloads it every second. */
export const buildingHtml = page(
  'The page is being built',
  '<p>This takes a few seconds. The page then appears automatically.</p>',
);

/** Shown if the build failed. */
export const failedHtml = (message: string): string =>
  page('The page could not be built', `<pre>${escaped(message)}</pre>\n<p>Fix the error and restart npm run dev.</p>`);
