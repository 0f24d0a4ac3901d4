"""Contents of samples: how they are hashed, decoded and shown. Imports no source and no batch."""
