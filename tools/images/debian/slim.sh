#!/bin/bash
# Customize hook of mmdebstrap: turns the new root ($1) into what Debian's "slim" images are.
set -eu
cd "$1"
rm -rf usr/share/{man,info,locale,i18n,zoneinfo,bash-completion,lintian,linda,groff,pixmaps}/* \
  usr/lib/*-linux-gnu*/gconv var/log/*.log var/log/apt/* var/cache/debconf/*-old var/lib/dpkg/*-old
find usr/share/doc -depth \( -type f -o -type l \) ! -name copyright -delete
find usr/share/doc -mindepth 1 -type d -empty -delete
cat >etc/dpkg/dpkg.cfg.d/docker-slim <<'D'
path-exclude=/usr/share/man/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
force-unsafe-io
D
# No service may start while packages are installed into an image.
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod +x usr/sbin/policy-rc.d
# Without the binary caches switched off, each later apt layer would be 90 MB larger.
cat >etc/apt/apt.conf.d/docker-slim <<'D'
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Acquire::GzipIndexes "true";
Acquire::Languages "none";
APT::Install-Recommends "false";
D
rm -f var/cache/apt/*.bin
