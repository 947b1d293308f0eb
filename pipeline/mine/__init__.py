"""Mine: what users did with answers becomes SFT rows, DPO pairs and KTO rows, each with its evidence, or a reason why not."""
