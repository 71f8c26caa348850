{
  description = "A terminal cockpit for batch and ML work on Kubernetes";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = of: nixpkgs.lib.genAttrs systems (system: of nixpkgs.legacyPackages.${system});
      manifest = (nixpkgs.lib.importTOML ./Cargo.toml).package;
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = manifest.name;
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          # the tests want a terminal, ports and time: CI runs them
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            ln -s jobdeck $out/bin/kubectl-jobdeck
          '' + pkgs.lib.optionalString (pkgs.stdenv.buildPlatform.canExecute pkgs.stdenv.hostPlatform) ''
            JOBDECK=$out/bin/jobdeck bash .ci/dist "$PWD/dist"
            installManPage dist/man/*.1
            installShellCompletion --cmd jobdeck \
              --bash dist/completions/jobdeck.bash \
              --zsh dist/completions/_jobdeck \
              --fish dist/completions/jobdeck.fish
            install -Dm644 dist/config.schema.json $out/share/jobdeck/config.schema.json
          '';
          meta = {
            inherit (manifest) description;
            homepage = manifest.repository;
            license = pkgs.lib.licenses.asl20;
            mainProgram = "jobdeck";
          };
        };
      });

      devShells = each (pkgs: {
        default = pkgs.mkShell {
          packages = [ pkgs.cargo pkgs.rustc pkgs.clippy pkgs.rustfmt pkgs.kubectl ];
        };
      });
    };
}
