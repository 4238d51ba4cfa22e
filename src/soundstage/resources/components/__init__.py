"""Studio components: storage, farms, licences and scripts that launch profiles are made of."""
