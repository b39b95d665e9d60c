"""Where the desk speaks up: e-mail, chats and pagers, and webhooks."""
