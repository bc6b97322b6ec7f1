/** What one browser remembers between visits: the location shown, and light or dark. Nothing of bookings or people. */

export type Theme = 'system' | 'light' | 'dark';

const LOCATION = 'baygrid.location';
const THEME = 'baygrid.theme';

/** Storage may be forbidden (private windows, policies): then nothing is remembered. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not remembered, then.
  }
}

export function rememberedLocation(): number | null {
  const value = Number(recall(LOCATION));
  return Number.isInteger(value) && value > 0 ? value : null;
}

export function rememberLocation(id: number): void {
  remember(LOCATION, String(id));
}

export function rememberedTheme(): Theme {
  const value = recall(THEME);
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** Draws the page in the theme from now on, and in the next visit. */
export function applyTheme(theme: Theme): void {
  remember(THEME, theme);
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
