import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

const place = document.getElementById('console');
if (place) createRoot(place).render(<StrictMode>Usher</StrictMode>);
