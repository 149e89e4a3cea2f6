import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { underPolicy } from "../../../policy/enforce.ts";

const stack = pulumi.getStack();

underPolicy({ confirmDestroy: [] }, () => {
  const component = (value: string) => [
    { label: "redfleet.stack", value: stack },
    { label: "redfleet.component", value },
  ];
  // Nothing is wrong with the first one; it must not be made all the same.
  new docker.Volume("record", { name: `${stack}-record`, labels: component("route") });
  new docker.Volume("data", { name: `${stack}-data`, labels: component("tenant") });
  new docker.RemoteImage("image", { name: "mongo:latest" });
});
