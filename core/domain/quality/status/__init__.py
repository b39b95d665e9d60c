"""What became of a filing after it was filed: amended, superseded, withdrawn, restated later."""
