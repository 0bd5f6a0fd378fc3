// The reader's choice of light or dark, before anything is drawn. Kept in this browser, nowhere else.
try {
  const theme = localStorage.getItem("offsider.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing: the system's choice holds */ }
