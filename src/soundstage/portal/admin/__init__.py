"""Pages for those who run a studio: who works where, what there is to launch, what it runs on."""
