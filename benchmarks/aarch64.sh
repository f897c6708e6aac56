#!/bin/sh
# Lay out Python and packages for aarch64 in a folder: aarch64.sh FOLDER REQUIREMENT ...
# FOLDER/python then is their interpreter, in QEMU. QEMU_CPU names the processor: max, neoverse-n1.
# Nothing is installed on this system, and root is not needed.
set -eu
folder=$(realpath -m "$1")
shift
for program in qemu-aarch64 apt-get dpkg-deb; do
    command -v $program > /dev/null && continue
    echo "aarch64.sh: needs $program; on Debian: apt-get install qemu-user" >&2
    exit 1
done
if [ "$(cat "$folder/complete" 2> /dev/null)" = "$*" ]; then
    exit
fi
root=$folder/root
rm -rf "$folder"
mkdir -p "$root" "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"

# An apt of its own, with the sources of this system but not its packages.
apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o APT::Install-Recommends=false -o APT::Sandbox::User= -o Dir::State="$folder/apt" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$folder/apt/cache" "$@"
}
apt update
apt install --yes --download-only python3 libstdc++6 > /dev/null
for package in "$folder"/apt/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$root"
done
rm -r "$folder/apt"

python=$(readlink "$root/usr/bin/python3")  # such as python3.11
python -m pip install --quiet --only-binary=:all: --python-version "${python#python}" \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    --target "$root/usr/lib/python3/dist-packages" "$@"
cat > "$folder/python" << END
#!/bin/sh
exec qemu-aarch64 -cpu "\${QEMU_CPU:-max}" -L "$root" "$root/usr/bin/$python" "\$@"
END
chmod +x "$folder/python"
echo "$*" > "$folder/complete"
