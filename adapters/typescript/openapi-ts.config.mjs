export default {
  input: "openapi.json",
  output: "src/generated",
  plugins: [
    { name: "@hey-api/client-fetch", throwOnError: true },
    { name: "@hey-api/typescript" },
    { name: "@hey-api/sdk", responseStyle: "data" },
  ],
};
