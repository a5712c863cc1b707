// Questions to the server that this page came from. A decision is a POST that only this page can make.

async function told(response) {
  if (response.ok) return response.json();
  const why = (await response.text()).trim();
  throw Object.assign(new Error(why || `status ${response.status}`), { status: response.status });
}

export const get = async (path) => told(await fetch(`api/${path}`, { headers: { Accept: "application/json" } }));

export const post = async (path, body) =>
  told(
    await fetch(`api/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Interpose": "1" },
      body: JSON.stringify(body),
    }),
  );

export const session = (name) => `sessions/${encodeURIComponent(name)}`;
