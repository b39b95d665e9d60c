"""Programs of the workshop: locks, house rules, health gate, artefact. No part of the desk."""
