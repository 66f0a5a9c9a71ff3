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

/** Shown until the page is there. */
export const buildingHtml = page('The page is being built', '<p>It takes a few seconds, and then shows by itself.</p>');

/** Shown where it could not be built. */
export const failedHtml = (message: string): string =>
  page('The page could not be built', `<pre>${escaped(message)}</pre>\n<p>Mend it, and start npm run dev anew.</p>`);
